package dev.affinis.instrument;

/**
 * An activation call that was found but cannot be measured.
 *
 * @param path the module that makes the call
 * @param call number of the call under this path, from 1
 * @param activation the activation function, or the operator that hides it
 * @param reason why it is not measured
 */
public record SkippedSite(String path, int call, String activation, String reason) {}
