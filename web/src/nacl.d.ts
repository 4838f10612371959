declare module "*/nacl-fast.min.mjs" {
  const nacl: { readonly sign: { readonly detached: { verify(text: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean } } };
  export default nacl;
}
