/**
 * Benchmarks of the parts that decide how long a measurement takes. Each checks what it computed.
 * {@link dev.affinis.benchmarks.Growth} draws how the score's time grows, and {@code
 * benchmarks/emd2.py} compares the assignment solver with Python Optimal Transport's on real
 * captures.
 *
 * <p>All JMH benchmarks, or those whose name matches:
 *
 * <pre>
 * ./mvnw -q -B -ntp -Pbenchmarks -pl benchmarks -am -DskipTests package &amp;&amp; java -jar benchmarks/target/benchmarks.jar AffinityScore
 * </pre>
 */
package dev.affinis.benchmarks;
