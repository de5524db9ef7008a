/**
 * Observes the activations of ONNX graphs. {@link dev.affinis.instrument.onnx.OnnxInstrumenter} is
 * the entry point: it finds activations in the graph, as single nodes and as the sub-graphs that
 * exporters write, and appends nodes that hand out what they saw. What is in the graph already is
 * never changed, and weights are neither parsed nor written again.
 */
package dev.affinis.instrument.onnx;
