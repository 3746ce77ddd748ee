"use strict";
// A button below each sample that copies it.
{
    document.querySelectorAll("#how-to pre").forEach((block) => {
        const copy = document.createElement("button");
        Object.assign(copy, {type: "button", className: "small copy", textContent: "Copy"});
        copy.addEventListener("click", async () => {
            await navigator.clipboard.writeText(block.querySelector("code").textContent);
            copy.textContent = "Copied";
        });
        if (navigator.clipboard) { block.after(copy); }
    });
}
