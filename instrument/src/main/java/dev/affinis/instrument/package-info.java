package dev.affinis.instrument;
