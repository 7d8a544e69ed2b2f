// Prints one scan: node print.mjs ../scans/saltholm.pgm
import { drop } from "ink-drop";

await drop(process.argv[2]);
