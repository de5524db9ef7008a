/**
 * Runs parsers on damaged and hostile files: a kept corpus, and mutations of it with fixed seeds.
 *
 * <p>{@link dev.affinis.fuzz.Fuzz} runs them and judges each execution; the mutators make the
 * files.
 */
package dev.affinis.fuzz;
