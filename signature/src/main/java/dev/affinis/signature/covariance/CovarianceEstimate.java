package dev.affinis.signature.covariance;

/**
 * A covariance matrix {@code S = weight X'X + diagonal I} of centred samples X, by its
 * coefficients.
 *
 * <p>Every estimate used here has this form, and the coefficients do not change when the samples
 * are rotated. Computations can therefore run in the subspace the samples span and never need S
 * itself in the full space.
 *
 * @param weight factor of X'X
 * @param diagonal what is added to each diagonal element
 * @param trace trace of S
 * @param dimension d, the number of columns of X
 */
public record CovarianceEstimate(double weight, double diagonal, double trace, long dimension) {}
