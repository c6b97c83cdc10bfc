/* Debian's libm has two of each of these: the newest asks the device for glibc 2.35 and leaves
   errno alone, which nobody here reads. This binds the program to the one that every system of the
   target's class has. cross/toolchain.sh links it, with --wrap for each name. */
    .symver hypot_of_all, hypot@OLDEST
    .symver hypotf_of_all, hypotf@OLDEST
    .text
    .globl __wrap_hypot, __wrap_hypotf
    .type __wrap_hypot, %function
    .type __wrap_hypotf, %function
__wrap_hypot:
    b hypot_of_all
__wrap_hypotf:
    b hypotf_of_all
    .section .note.GNU-stack, "", %progbits
