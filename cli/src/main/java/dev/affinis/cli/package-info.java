/**
 * The {@code affinis} command. {@link dev.affinis.cli.AffinisCommand} is the entry point and holds
 * one class per subcommand; options that several share are mixins. What a run ends with is told by
 * the codes in {@link dev.affinis.cli.ExitCodes}.
 */
package dev.affinis.cli;
