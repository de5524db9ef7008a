package dev.affinis.zoo;
