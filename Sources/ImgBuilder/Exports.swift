// What the signatures of this module are made of: who imports it needs no other.
@_exported public import ImgOCI
@_exported public import ImgReport
