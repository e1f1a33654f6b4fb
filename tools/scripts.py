"""The widgets' scripts, read by TypeScript (JSDoc says the types) and by Biome; both come from npm, once."""
import platform, subprocess, sys
from pathlib import Path

import npm

ROOT = Path(__file__).parent.parent
TYPESCRIPT, BIOME = "6.0.3", "2.6.8"


def findings(*command) -> list[str]:
    "What `command` says, line by line, where it fails."
    done = subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, encoding="utf-8")
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] if done.returncode else []


def types() -> list[str]:
    "Where the scripts' types don't hold."
    compiler = npm.fetched("typescript", TYPESCRIPT) / "lib/tsc.js"
    return findings(npm.command("node"), compiler, "--project", "tools/tsconfig.json", "--pretty", "false")


def lint() -> list[str]:
    "What Biome finds in the scripts."
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}[sys.platform]
    machine = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"
    program = npm.fetched(f"@biomejs/cli-{system}-{machine}", BIOME) / f"biome{'.exe' if system == 'win32' else ''}"
    options = ("--config-path=tools/biome.json", "--error-on-warnings", "--reporter=github")
    return findings(program, "lint", *options, "study_group/static")


if __name__ == "__main__":
    found = [*types(), *lint()]
    print(*found, sep="\n")
    sys.exit(bool(found))
