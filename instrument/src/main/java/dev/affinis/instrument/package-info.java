/**
 * Captures what goes into and comes out of every activation of a model. The entry points are {@link
 * dev.affinis.instrument.InstrumentedModel}, a model whose forward pass also returns its captures,
 * and {@link dev.affinis.instrument.Measurement}, which runs a whole data set through one and
 * scores what it captured. What is found is named by {@link dev.affinis.instrument.Site}.
 */
package dev.affinis.instrument;
