// What build.js fills in.
declare var DIGITPAD_FILES: Record<string, { bytes: number; sha256: string }>;
declare var DIGITPAD_SHELL: string[];
declare var DIGITPAD_VERSION: string;
