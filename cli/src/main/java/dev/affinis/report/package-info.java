/**
 * Models side by side: {@link dev.affinis.report.Comparison} puts signatures next to each other and
 * warns of what does not compare; {@link dev.affinis.report.ComparisonJson} and {@link
 * dev.affinis.report.ScoreTable} write it for programs. {@link dev.affinis.report.ModelNumbers}
 * reads what is known of the models besides, such as their accuracy.
 */
package dev.affinis.report;
