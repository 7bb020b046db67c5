/** The buttons' icons: the pad's own (pad/icons.py), as paths on a square from 0 to 100. */

/** @type {Record<string, string>} */
export const ICONS = {
  eraser: "M40 84 14 58 58 14 86 42 44 84M36 36 64 64M40 84H88",
  undo: "M36 14 14 36 36 58M16 36H60A24 24 0 0 1 60 84H40",
  redo: "M64 14 86 36 64 58M84 36H40A24 24 0 0 0 40 84H60",
  clear: "M14 26H86M38 24 40 12H60L62 24M24 28 30 88H70L76 28M43 44 44 70M57 44 56 70",
  open: "M12 82V20H38L46 30H84V44M12 82 28 44H94L78 82Z",
  save: "M50 12V62M29 42 50 63 71 42M13 62V87H87V62",
  help: "M31 34C32 20 42 13 50 13S69 20 69 33 50 50 50 66M50 87V87.1",
  previous: "M62 20 34 50 62 80",
  next: "M38 20 66 50 38 80",
};
