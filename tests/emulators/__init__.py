"""Stand-ins for providers that verify secrets and signatures, served on 127.0.0.1.

`aws.AwsEmulator`     STS, IAM, S3 and Organizations: moto behind a strict gate, with faults on demand.
`fast_sts.FastSts`    GetCallerIdentity alone, for benches: verifies, at a tenth of a millisecond a call.
`s3.Versity`          A second S3 server that shares no code with moto.
`azurite.Azurite`     Microsoft's emulator of Azure Storage, a second one that shares no code with ours.
`distribution.Distribution`
                      The CNCF's container registry itself.
`clients.client`      A boto3 client for any of these.
`azure.AzureEmulator`, `azure_storage.AzureStorageEmulator`, `google.Google`, `oracle.Oracle`,
`oauth2.OAuth2Server`, `jwt_api.JwtApi`, `http_api.HttpApi`, `registry.Registry`, `cloudflare.Cloudflare`
                      One service each: its own in `server/`, over the front that all share (`server/desk.py`).

Each runs outside of this process and ends with its `with` block, or with this process however that ends.
"""
