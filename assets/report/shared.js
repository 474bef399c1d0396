"use strict";

// Copies the text of an element; false if the browser refused, with the text selected.
const copied = async (element) => {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // A page opened from a file, or in a frame, may have no clipboard; the older way copies a selection.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
};
