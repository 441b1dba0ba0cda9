/** Put the name that the paper's QR code carries in the address's fragment into the field. It is sent to nobody. */
(() => {
  const field = document.querySelector("[data-name-field]");
  const note = document.querySelector("[data-from-paper]");
  const carried = new URLSearchParams(location.hash.slice(1).replace(/\+/g, "%2B")).get("nombre");
  if (!carried || field.value) {
    return;
  }
  field.value = carried.slice(0, field.maxLength);
  note.hidden = false;
  // A shared or photographed address bar must not tell the name.
  history.replaceState(null, "", location.pathname);
})();
