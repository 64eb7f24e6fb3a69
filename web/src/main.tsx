import { render } from "preact";
import { App } from "./app";
import { listenKeys } from "./state/keyboard";
import { listen } from "./state/location";
import { watchServer } from "./state/server";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/frame.css";

listen();
listenKeys();
watchServer();
render(<App />, document.getElementById("app") as HTMLElement);
