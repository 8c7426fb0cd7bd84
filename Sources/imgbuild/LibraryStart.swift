/// Keeps GnuTLS from setting itself up before `main`, which is a tenth of the time of a short command.
///
/// Debian's libcurl brings it along for protocols that are not used here. Who needs it does so explicitly, as libcurl would
/// (GnuTLS manual, "Initialization"). In the program, not in the library: an embedding program may use GnuTLS itself.
@c(_gnutls_global_init_skip)
public func skipGnuTLSStart() -> CInt { 1 }
