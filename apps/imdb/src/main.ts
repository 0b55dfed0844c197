/** The command line of the IMDB app. */
export {};
