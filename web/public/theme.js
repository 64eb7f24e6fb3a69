// Runs before the first paint, so that a stored theme does not flash the other one first.
try {
  const theme = localStorage.getItem("plainview.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {}
