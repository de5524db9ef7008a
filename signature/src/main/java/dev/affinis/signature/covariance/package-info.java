/**
 * Covariance estimates of sample matrices. {@link dev.affinis.signature.covariance.Covariance} is
 * the estimator, {@link dev.affinis.signature.covariance.Ridge} what is added to its diagonal.
 * {@link dev.affinis.signature.covariance.CovarianceEstimate} holds the result without forming the
 * matrix; {@link dev.affinis.signature.covariance.CovarianceAccumulator} takes samples in batches.
 */
package dev.affinis.signature.covariance;
