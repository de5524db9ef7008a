/**
 * Short programs on the library, each with a {@code main} and a test. {@link
 * dev.affinis.examples.MeasureYourModel} is the one to start with.
 */
package dev.affinis.examples;
