"""Chapter of the Python library reference in which each standard module is described.

The chapters are those of the reference of Python 3.13 (as printed for 3.13.12), in its order;
their names are capitalised alike. Older editions differ: up to 3.12 ``cmd``, ``shlex`` and
``turtle`` made a chapter of their own, and the modules for command lines stood among the services
of operating systems. Modules that 3.13 lacks stand where the edition that has them describes them:
those removed since 3.10, and those new in 3.14. So labels do not depend on the version that runs.
"""

from __future__ import annotations

__all__: list[str] = []

CHAPTERS: dict[str, str] = {
    "Text Processing Services": "string string.templatelib re difflib textwrap unicodedata "
    "stringprep readline rlcompleter",
    "Binary Data Services": "struct codecs",
    "Data Types": "datetime zoneinfo calendar collections collections.abc heapq bisect array "
    "weakref types copy pprint reprlib enum graphlib",
    "Numeric and Mathematical Modules": "numbers math cmath decimal fractions random statistics",
    "Functional Programming Modules": "itertools functools operator",
    "File and Directory Access": "pathlib os.path stat filecmp tempfile glob fnmatch linecache "
    "shutil",
    "Data Persistence": "pickle copyreg shelve marshal dbm dbm.dumb dbm.gnu dbm.ndbm dbm.sqlite3 "
    "sqlite3",
    "Data Compression and Archiving": "zlib gzip bz2 lzma zipfile tarfile compression "
    "compression.zstd",
    "File Formats": "csv configparser tomllib netrc plistlib",
    "Cryptographic Services": "hashlib hmac secrets",
    "Generic Operating System Services": "os io time logging logging.config logging.handlers "
    "platform errno ctypes",
    "Command-Line Interface Libraries": "argparse optparse getpass fileinput curses "
    "curses.textpad curses.ascii curses.panel cmd",
    "Concurrent Execution": "threading multiprocessing multiprocessing.shared_memory concurrent "
    "concurrent.futures concurrent.interpreters subprocess sched queue contextvars _thread",
    "Networking and Interprocess Communication": "asyncio socket ssl select selectors signal mmap",
    "Internet Data Handling": "email email.message email.parser email.generator email.policy "
    "email.errors email.headerregistry email.contentmanager email.mime email.header email.charset "
    "email.encoders email.utils email.iterators json json.tool mailbox mimetypes base64 binascii "
    "quopri",
    "Structured Markup Processing Tools": "html html.parser html.entities xml "
    "xml.etree.ElementTree xml.dom xml.dom.minidom xml.dom.pulldom xml.sax xml.sax.handler "
    "xml.sax.saxutils xml.sax.xmlreader xml.parsers.expat",
    "Internet Protocols and Support": "webbrowser wsgiref wsgiref.util wsgiref.headers "
    "wsgiref.simple_server wsgiref.validate wsgiref.handlers urllib urllib.request urllib.response "
    "urllib.parse urllib.error urllib.robotparser http http.client http.server http.cookies "
    "http.cookiejar ftplib poplib imaplib smtplib uuid socketserver xmlrpc xmlrpc.client "
    "xmlrpc.server ipaddress",
    "Multimedia Services": "wave colorsys",
    "Internationalization": "gettext locale",
    "Graphical User Interfaces with Tk": "tkinter tkinter.colorchooser tkinter.font "
    "tkinter.messagebox tkinter.scrolledtext tkinter.dnd tkinter.ttk idlelib turtle",
    "Development Tools": "typing pydoc doctest unittest unittest.mock test test.support",
    "Debugging and Profiling": "bdb faulthandler pdb cProfile profile pstats timeit trace "
    "tracemalloc",
    "Software Packaging and Distribution": "distutils ensurepip venv zipapp",
    "Python Runtime Services": "sys sys.monitoring sysconfig builtins __main__ warnings "
    "dataclasses contextlib abc atexit traceback __future__ gc inspect annotationlib site",
    "Custom Python Interpreters": "code codeop",
    "Importing Modules": "zipimport pkgutil modulefinder runpy importlib importlib.resources "
    "importlib.resources.abc importlib.metadata importlib.abc importlib.machinery importlib.util",
    "Python Language Services": "ast symtable token keyword tokenize tabnanny pyclbr py_compile "
    "compileall dis pickletools",
    "MS Windows Specific Services": "msvcrt winreg winsound",
    "Unix-Specific Services": "shlex posix pwd grp termios tty pty fcntl resource syslog",
    "Superseded Modules": "getopt aifc asynchat asyncore audioop cgi cgitb chunk crypt imghdr "
    "imp mailcap msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib",
}

CHAPTER_OF: dict[str, str] = {
    module: chapter for chapter, modules in CHAPTERS.items() for module in modules.split()
}
