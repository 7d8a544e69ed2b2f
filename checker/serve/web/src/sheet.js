// CodeMirror's own rules as a constructed style sheet: the page's policy allows no <style>.
import { StyleModule } from "style-mod";

const mounted = new Set();

StyleModule.mount = (_root, modules) => {
    // CodeMirror names first what wins least.
    for (const module of [modules].flat()) {
        if (!mounted.has(module)) {
            mounted.add(module);
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(module.getRules());
            document.adoptedStyleSheets.push(sheet);
        }
    }
};
