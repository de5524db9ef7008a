package dev.affinis.examples;
