package dev.affinis.instrument;

import dev.affinis.signature.Pooling;

/**
 * What an instrumented model hands out.
 *
 * @param form rows or whole tensors
 * @param pooling how an activation becomes a row
 * @param layout where the channels are
 * @param sites which sites are captured; the others run without being observed
 */
public record TapOptions(CaptureForm form, Pooling pooling, Layout layout, SiteFilter sites) {}
