"""firebase-admin gets a token by its service account, sends, and names what went wrong."""

import json
import sys
import warnings

import firebase_admin
from firebase_admin import credentials, messaging

warnings.simplefilter("ignore", DeprecationWarning)  # `token` is what both ends know today
given = json.load(sys.stdin)
messaging._MessagingService.FCM_URL = given["url"] + "/v1/projects/{0}/messages:send"
firebase_admin.initialize_app(credentials.Certificate(given["account"]))
told = {}
for token in given["tokens"]:
    try:
        told[token] = messaging.send(messaging.Message(token=token, data=given["data"]))
    except firebase_admin.exceptions.FirebaseError as refused:
        told[token] = type(refused).__name__
json.dump(told, sys.stdout)
