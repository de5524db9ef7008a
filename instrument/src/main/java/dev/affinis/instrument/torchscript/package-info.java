/**
 * Rewrites TorchScript archives so that their activations can be observed. {@link
 * dev.affinis.instrument.torchscript.TorchScriptInstrumenter} is the entry point; it reads the
 * archive's source with {@link dev.affinis.instrument.torchscript.Tokenizer} and {@link
 * dev.affinis.instrument.torchscript.ScriptParser}, resolves who calls whom in {@link
 * dev.affinis.instrument.torchscript.CallGraph} and prints the instrumented source in {@link
 * dev.affinis.instrument.torchscript.TapPass}.
 */
package dev.affinis.instrument.torchscript;
