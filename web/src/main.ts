/** recover.html: from the helpers' kits to what the family must know, in any browser and without network. */

import "./offline.ts";
import "./subtle.ts";
import { App } from "./view/app.ts";

new App(document.getElementById("page")!).start();
