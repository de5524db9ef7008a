/**
 * Instruments models made of DJL's own blocks, which have no hooks: the functions in their fields
 * are read, identified by what they do to a grid of values, and replaced by ones that also record
 * while an instrumented forward pass runs on the thread. {@link
 * dev.affinis.instrument.block.BlockInstrumenter} is the entry; {@code BlockTree} finds blocks,
 * paths and functions, {@code LambdaProbe} says what a function computes, {@code TappedBlock} puts
 * the taps in and takes them out again. What cannot be reached this way, because a block calls it
 * in its own code, is found in the bytecode by {@code CodeScan} and reported.
 */
package dev.affinis.instrument.block;
