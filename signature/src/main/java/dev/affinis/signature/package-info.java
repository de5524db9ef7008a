package dev.affinis.signature;
