#!/usr/bin/env node
import { main } from "./tool.ts";

process.exitCode = await main(process.argv.slice(2));
