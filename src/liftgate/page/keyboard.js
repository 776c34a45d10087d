// Where the keyboard goes on when what it stood on is taken away: a row that was deleted, a form that is done.
const REACHED = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex='0']";

let place = null;

const free = (element) => element.isConnected && !element.matches(":disabled");
const lost = () => !document.activeElement || document.activeElement === document.body;

// An element with what holds it, and what comes after and before it, as long as they can still be seen.
function around(element, page) {
  const holders = [];
  for (let each = element.parentElement; each && each !== page; each = each.parentElement) holders.push(each);
  // A dialog's neighbours have nothing to do with it.
  const all = element.closest("dialog") ? [] : [...page.querySelectorAll(REACHED)];
  const at = all.indexOf(element);
  return { element, holders, near: at < 0 ? [] : [...all.slice(at + 1), ...all.slice(0, at).reverse()] };
}

function goOn() {
  if (!place || !lost()) return;
  const { element, holders, near } = place;
  if (element.isConnected) {
    // A button that waits for an answer is only put off.
    if (free(element)) element.focus();
    return;
  }
  const holder = holders.find((each) => each.isConnected);
  for (const each of holder ? near : []) {
    if (free(each) && holder.contains(each)) each.focus();
    if (!lost()) return;
  }
  document.querySelector("h1")?.focus({ preventScroll: true });
}

export function keepPlace(page) {
  page.addEventListener("focusin", ({ target }) => (place = around(target, page)));
  // Left by a click beside it, or on the way to another view: there is nothing to go back to.
  page.addEventListener("focusout", ({ target }) =>
    queueMicrotask(() => {
      if (place?.element === target && free(target) && lost()) place = null;
    }),
  );
  new MutationObserver(goOn).observe(page, { subtree: true, childList: true, attributes: true, attributeFilter: ["disabled"] });
}
