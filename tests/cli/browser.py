# cli/browser.py - a page in headless Chromium, driven through pipes by its DevTools protocol.
# SPDX-License-Identifier: MIT
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

HANGS = 300  # seconds: as in kit.py


class Page:
    def __init__(self, path, dark=False, width=1200):
        self.home = tempfile.mkdtemp(prefix="freemask-chromium-")
        to_read, self.to = os.pipe()
        self.back, from_write = os.pipe()

        def pipes():
            reading, writing = os.dup(to_read), os.dup(from_write)
            reading, writing = (os.dup(one) for one in (reading, writing))
            os.dup2(reading, 3)
            os.dup2(writing, 4)
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self.home}", f"--window-size={width},900",
             *(["--force-dark-mode"] if dark else []), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pipes, pass_fds=(3, 4))
        os.close(to_read)
        os.close(from_write)
        self.number, self.buffer, self.session, self.messages = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        end = time.monotonic() + HANGS
        while self("document.readyState") != "complete":
            if time.monotonic() > end:
                raise TimeoutError(path)
            time.sleep(0.02)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                if not select.select([self.back], [], [], HANGS)[0]:
                    raise TimeoutError(method)
                more = os.read(self.back, 1 << 16)
                if not more:
                    raise EOFError("Chromium has ended")
                self.buffer += more
            line, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"):
                self.messages.append(answer)

    def __call__(self, expression):
        """The value of an expression of JavaScript."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key):
        more = {"text": "\r"} if key == "Enter" else {}
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key],
                      **(more if kind == "keyDown" else {}))

    def picture(self, path, height=None):
        clip = {"clip": {"x": 0, "y": 0, "width": self("innerWidth"), "height": height, "scale": 1}} if height else {}
        data = self.call("Page.captureScreenshot", captureBeyondViewport=bool(height), **clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.home, ignore_errors=True)
