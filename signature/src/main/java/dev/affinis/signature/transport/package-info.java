/**
 * Optimal transport between what goes into an activation and what comes out. {@link
 * dev.affinis.signature.transport.AffinityScore} is the score; {@link
 * dev.affinis.signature.transport.AssignmentSolver} is the exact solver underneath, useful on its
 * own, whose {@link dev.affinis.signature.transport.Assignment} proves its own optimality.
 */
package dev.affinis.signature.transport;
