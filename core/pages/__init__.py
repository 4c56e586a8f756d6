"""Pages as HTML: the templates of all plugins, in the language of who reads them. What HTTP has to do with it is in `core/http/pages`."""
