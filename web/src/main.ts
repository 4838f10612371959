/** recover.html: from the helpers' kits to what the family must know, in any browser and without network. In a worker: what takes long. */

import "./offline.ts";
import "./subtle.ts";
import { App } from "./view/app.ts";
import type { End } from "./worker/line.ts";
import { serve } from "./worker/worker.ts";

if (typeof document === "undefined") serve(globalThis as unknown as End);
else new App(document.getElementById("page")!).start();
