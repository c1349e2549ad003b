"""`main.py make KIND HOOK FOLDER` writes what is to be sent; `main.py judge FOLDER HOST...` says what is wrong."""
import importlib
import json
import sys

from scenario import judge


def main(command, *given):
    if command == "make":
        kind, hook, folder = given
        return importlib.import_module(kind).make(hook).write(folder)
    folder, *hosts = given
    return judge(folder, hosts)


print(json.dumps(main(*sys.argv[1:])))
