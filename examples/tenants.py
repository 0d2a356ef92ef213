"""One collection, many tenants: each gets a handle that reaches its own documents and no others.

Prints:

    acme reads: {'owner': 'acme'}
    acme finds: ['invoice-1']
    bolt still has 1 after acme left
"""

import onevec

with onevec.connect("memory://") as store:
    invoices = store.create_collection("invoices", dimension=2)
    tenants = {name: invoices.namespace(name) for name in ("acme", "bolt")}
    for name, handle in tenants.items():
        handle.upsert({"id": "invoice-1", "vector": [1, 0], "metadata": {"owner": name}})

    acme = tenants["acme"]
    print("acme reads:", acme.get("invoice-1").metadata)
    print("acme finds:", acme.search([1, 0], filter={"owner": {"$in": ["acme", "bolt"]}}).ids)

    invoices.delete_namespace("acme")
    print("bolt still has", tenants["bolt"].count(), "after acme left")
