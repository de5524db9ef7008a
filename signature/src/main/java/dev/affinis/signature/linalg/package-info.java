/**
 * Dense linear algebra that DJL's arrays do not offer: symmetric eigendecomposition, Cholesky and
 * QR, products with triangles, and {@linkplain dev.affinis.signature.linalg.InverseSquareRoot
 * inverse square roots}. {@link dev.affinis.signature.linalg.DenseAlgebra} is the only place that
 * knows how the engine is made to compute them; it works in float64 on the device of its arguments.
 * Results belong to the manager of the argument, like those of DJL's own operations.
 */
package dev.affinis.signature.linalg;
