/** Loads the demonstration when it is asked for. */
const button = document.querySelector<HTMLButtonElement>(".try .start");
button?.addEventListener("click", async () => {
  const status = document.querySelector(".picture .status")!;
  button.disabled = true;
  status.textContent = "Loading the page…";
  try {
    await import(new URL(button.dataset.script!, location.href).href);
    status.textContent = "";
  } catch {
    button.disabled = false;
    status.textContent = "The demonstration could not be loaded.";
  }
});

export {};
