// Open the page of a model when it is chosen with the mouse. With the keyboard, each arrow key would open a page: the
// button opens it.
const select = document.getElementById("model-choice");
let isKeyboard = false;

if (select) {
  select.addEventListener("keydown", () => { isKeyboard = true; });
  select.addEventListener("pointerdown", () => { isKeyboard = false; });
  select.addEventListener("change", () => {
    if (!isKeyboard) select.form.requestSubmit();
  });
}
