package dev.affinis.cli;
