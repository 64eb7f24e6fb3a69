import { render } from "preact";

render(<h1>Plainview</h1>, document.getElementById("app") as HTMLElement);
