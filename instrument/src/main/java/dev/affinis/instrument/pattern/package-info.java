/**
 * What makes an activation, independent of the form a model is kept in: a graph of operators is
 * searched for expressions that compute one, and a function's values say which it is.
 */
package dev.affinis.instrument.pattern;
