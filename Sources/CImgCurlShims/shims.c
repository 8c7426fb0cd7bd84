#include "CImgCurlShims.h"
