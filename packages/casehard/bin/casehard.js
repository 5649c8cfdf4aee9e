#!/usr/bin/env node
// npm links this file at install time, when dist/ may not be built yet.
import '../dist/cli/bin.js';
