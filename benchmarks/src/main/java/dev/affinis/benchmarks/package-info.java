/**
 * Benchmarks of the parts that decide how long a measurement takes. Each checks what it computed.
 *
 * <p>All of them, or those whose name matches:
 *
 * <pre>
 * ./mvnw -q -B -ntp -Pbenchmarks -pl benchmarks -am -DskipTests package &amp;&amp; java -jar benchmarks/target/benchmarks.jar AffinityScore
 * </pre>
 */
package dev.affinis.benchmarks;
