/**
 * Scores of single layers and the signatures they make up. A {@link
 * dev.affinis.signature.LayerSample} goes into a {@link dev.affinis.signature.ScoreFunction}, such
 * as {@link dev.affinis.signature.transport.AffinityScore}, and a {@link
 * dev.affinis.signature.Score} comes out. {@link dev.affinis.signature.SignatureFile} reads and
 * writes the ordered scores of a model, a {@link dev.affinis.signature.Signature}.
 */
package dev.affinis.signature;
