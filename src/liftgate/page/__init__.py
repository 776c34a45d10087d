"""The page at `/ui`, as it is written: `server/page_assets` gives it to browsers. Ours but for `htm-preact.js`."""
